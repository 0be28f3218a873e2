package vdb

import (
	"math"
	"syscall"
)

// From this size on the system is asked whether there is memory: where a slice gets none, Go ends the program.
const askFrom = 1 << 30

// room says whether there is memory for count things of so many bytes each.
func room(count, each int) error {
	if count <= askFrom/each {
		return nil
	}
	if count <= math.MaxInt/each {
		trial, err := syscall.Mmap(-1, 0, count*each, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err == nil {
			return syscall.Munmap(trial)
		}
	}
	return invalid(ErrNoMemory, "the results need %d times %d bytes, which the system does not give: ask for fewer at once", count, each)
}
