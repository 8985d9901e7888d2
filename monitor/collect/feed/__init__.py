"""Feeds: RSS, RDF, Atom, JSON Feed and comment feeds."""
