"""The lab's board: the state of every session, sums, what waits, disks, and every computer's signs of life."""
