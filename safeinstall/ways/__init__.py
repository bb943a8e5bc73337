"""Every way in: what makes pip and npm reach the guard, and what tells whether they do."""
