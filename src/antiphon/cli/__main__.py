"""`python -m antiphon.cli`."""

from antiphon.cli.main import main

if __name__ == "__main__":
    main()
