"""What links nodes across documents, found without a model.

`spelling` says when two names are the same, `names` what nodes are called, `phrases` what passages hold that others may share, `references`
where a text points at another place by itself, and `links` looks all of that up at question time.

No edge is stored. Each document brings the names and phrases that stand in it, in indexes like those of words, and an edge is what two
documents have in common there. So edges are a function of the documents that may be seen: adding, changing and removing in any order
gives what building afresh gives, and a restricted view has the edges of a library of just those documents.
"""
