"""How near our methods and their peers come to the truth: `make quality`; ../README.md says what is measured."""
