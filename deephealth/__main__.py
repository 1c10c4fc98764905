"""``python -m deephealth`` is the ``deephealth`` command."""

from deephealth.cli import main

if __name__ == "__main__":
    main()
