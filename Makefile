# What is done often. Everything else is `go` or `metalnb` itself.

.PHONY: test check notebooks bench

test:      # the tests, as the README has them
	go test ./...

check:     # all that a change must pass; takes minutes
	bash .ci/run

notebooks: # execute the tutorials and keep their outputs
	for book in notebooks/*.ipynb; do go run . run --in-place $$book || exit 1; done

bench:     # cells, calls and training on this machine
	go run . bench
