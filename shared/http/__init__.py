"""HTTP around every service's routes: the edge, request bodies, answers, problems, pages, and how it is served."""
