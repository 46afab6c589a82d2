"""A transformer block as CENT (ASPLOS 2025) lays it out on GDDR6-AiM channels: layout, near-bank program."""
