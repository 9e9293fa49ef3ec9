"""How far a model can be trusted on some videos, within some minutes: what is measured, the runs behind it, and a card of one page.

In the order of the work: ``data_look`` (the doctor, what tells labels without a network), ``costs`` (the first clips, measured), ``rungs``
(videos and conditions that fit the time), ``conduct`` (all of it, and the run), ``readings`` (rows to numbers), ``card`` (numbers to
sentences), ``flip_pictures`` and ``card_pages`` (HTML, Markdown, JSON, a section of a model card).
"""
