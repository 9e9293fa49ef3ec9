"""What checks types and shapes of every call while tests run: beartype, which here takes a whole number for a float as PEP 484 does."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
