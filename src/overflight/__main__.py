"""``python -m overflight`` is ``overflight``."""

from overflight.cli import main

if __name__ == "__main__":
    main()
