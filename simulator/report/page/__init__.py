"""The report as one HTML file: it needs no network, no library, and works by keyboard and by screen reader."""
