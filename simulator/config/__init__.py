"""YAML documents to frozen, validated specs. Imports only errors, quantities and hooks."""
