"""Claims: sentences of papers and of studies, whether a source says them and whether they hold, in a ledger that is only appended to.

Two verdicts are kept apart. *Attribution* says whether a source says the sentence (``attribute``); *truth* says whether it holds on results
(``verify``). Both are computed, never typed, and the report is rendered from the ledger alone.
"""
