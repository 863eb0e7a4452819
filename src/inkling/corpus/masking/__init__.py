"""What must not be learned by heart: found in texts and replaced by placeholders.

The store keeps what was written; where text is learned from or looked up, it goes through here.
`kinds` names what is masked, a file for each says how it is found, `find` joins them, `masking`
replaces what they find, `pseudonyms` invents names, and `decisions` keeps what a person decided.
"""
