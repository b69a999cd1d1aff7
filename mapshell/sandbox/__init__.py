"""A local Globus: Auth, Transfer and HTTPS collections over plain folders, on the loopback interface only."""
