"""Transfer tasks of the journal as a person asks for them: listed with their live state, waited for, cancelled."""
