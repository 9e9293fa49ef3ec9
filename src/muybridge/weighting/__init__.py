"""Weightings: how several loss terms become one scalar."""

from muybridge.core.catalogue import Entry

WEIGHTINGS = {
    "fixed": Entry("a constant weight per term, 1 where none is given", "muybridge.weighting.fixed:Fixed")
}
