"""What a release is: `foundation`. The store has a folder of its own."""
