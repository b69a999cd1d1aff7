"""Commands that go on by themselves until they are asked to end: signals, what they tell, what they keep."""
