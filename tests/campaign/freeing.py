"""A schedule by hand: a disk is freed while proofs are missing.  The hunt for reclaim's guards plays it first."""

FREEING = [
    {"do": "record", "visit": 0, "rig": "rig-a", "subject": 480133, "kind": "ephys", "state": "whole"},
    {"do": "run", "faults": [], "commands": [{"after": 0, "verb": "publish", "rig": "rig-a"}]},
    {"do": "late", "visit": 0, "dice": 2},
    {"do": "run", "faults": [], "commands": [{"after": 0, "verb": "publish", "rig": "rig-a"}]},
    {"do": "doubt", "how": "stranger", "visit": 0, "dice": 17},
    {"do": "doubt", "how": "flipped", "visit": 0, "dice": 17},
    {"do": "doubt", "how": "claimed", "visit": 0, "dice": 17},
    {"do": "doubt", "how": "going", "visit": 0, "dice": 17},
    {"do": "run", "faults": [], "commands": [{"after": 0, "verb": "publish", "rig": "rig-a"}]},
    {"do": "doubt", "how": "replaced", "visit": 0, "dice": 17},
    {
        "do": "run",
        "faults": [],
        "commands": [{"after": 0, "verb": "retrieve", "via": "globus", "to": "home", "rig": "rig-a"}],
    },
    {
        "do": "run",
        "faults": [],
        "commands": [
            {
                "after": 0,
                "verb": "reclaim",
                "rig": "rig-a",
                "older": "0d",
                "kill": {"step": "reclaim: file deleted", "nth": 1},
            }
        ],
    },
    {"do": "run", "faults": [], "commands": [{"after": 0, "verb": "reclaim", "rig": "rig-a", "older": "0d"}]},
]
