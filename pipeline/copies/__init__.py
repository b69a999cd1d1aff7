"""Storage locations that hold the same sessions: which they are, what one of them lacks, and where from it comes."""
