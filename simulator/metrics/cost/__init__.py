"""Money: what machines cost, what their tokens cost, and when one pays off against another."""
