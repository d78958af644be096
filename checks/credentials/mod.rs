//! Checks of the gateway's shared token and password, and of who holds them.
