package main

func pools() {}
