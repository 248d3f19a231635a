// An empty program, for the test of what importing nb adds to one.
package main

func main() {}
