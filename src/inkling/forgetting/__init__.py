"""Forgetting a person, a document, a source or a text: preview, removal, purge and proof.

`make_preview` says what would go, from the corpus (`rules` -> `plan`) and from every other file
(`search_patterns` -> `scan` -> `findings`); `forget` marks runs stale, purges files and databases,
removes the rows (`removal`) and searches everything again. What an import must leave out later is
the corpus's own knowledge: corpus.exclusion.
"""
