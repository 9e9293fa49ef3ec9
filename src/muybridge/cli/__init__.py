"""The command ``muybridge``: one file for each family of commands; torch is imported only by those that compute."""
