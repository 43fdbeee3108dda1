"""The Quorate client and command line. `quorate.client.Client` is the API for scripts; it is not imported here, so that
`quorate serve` starts without loading an HTTP client.
"""
