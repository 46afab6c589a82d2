"""The `nearbank` command: one module per verb; parses, calls the api, prints. Holds no model code."""
