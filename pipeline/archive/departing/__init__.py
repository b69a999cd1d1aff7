"""Which sessions of a round are in the air: as many as the service lets wait."""
