"""Does a source say a claim?"""
