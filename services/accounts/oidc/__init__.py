"""Signing in with an account of another platform, by OpenID Connect: the authorization code flow with PKCE."""
