"""Interconnect between equal devices: wires with arbitration, topologies, collectives built of messages, the fabric."""
