"""Does a claim hold?"""
