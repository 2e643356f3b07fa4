"""`python -m ganymede`."""

from ganymede.command import main

main()
