"""What can be done with a workspace, as library calls: add, train, chat, evaluate, climb.

Here training, inference and evaluation meet. Nothing in this package prints, asks or reads a
command line: it takes callbacks and returns results. The command line and the server are two
users of it; `import inkling` offers the same calls to a program.
"""
