"""Servers that speak the clouds' protocols, on loopback, for as long as a test needs them."""
