"""Studies that come with Muybridge."""
