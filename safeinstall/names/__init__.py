"""What names look like, which names are popular, and how near one is to another; no registry is asked here."""
