// Package server lets notebooks talk to the core: it shakes hands at a unix socket
// in a private directory, answers requests, streams the progress of training, and
// ends the core when nobody needs it any more.
//
// A core is trusted with hours of training, so what can go wrong is pulled in tests
// that CI runs. What they saw is what must hold; where a fault was found on the way,
// it says so.
//
//	what is pulled                                 what must hold                                 test
//
//	kill -9 of the core, 200 times, at random      what was in place in a file comes back, whole, TestKilledAtAnyMoment (root)
//	                                               and trains on bit for bit
//	kill -9 of the core under a Fit                the cell is told, its next call starts a core  TestCoreKilled (root)
//	kill -9 of a cell, and of its process group    Fit stops, Start goes on, nothing leaks        TestKilledClients (root), TestSoak
//	the end of a notebook's kernel                 training goes on, or pauses if asked to        TestTrainingWithoutItsKernel
//	an interrupt of a cell                         a stop between two steps, and on from there    TestInterrupt (root)
//	SIGTERM, SIGHUP, SIGINT of the core            SIGTERM ends it in order, the others nothing   TestSignalsOfTheCore (root)
//	a killed core's socket, lock, rubbish there    the next core starts                           TestLeftovers, TestLockOfADyingCore (root)
//	its directory removed under a core             it is found there again, and writes all down   TestRemovedDirectory
//	eight cells that start the core at once        one core                                       TestOneCore (root)
//	a full disk; a journal that cannot be written  said, with what to do; the core goes on        TestFullDisk, TestFullJournal (root)
//	files that unpack to gigabytes, or say so      refused before memory is taken                 TestBombs, TestPageBombs (load)
//	files larger than memory, and than the disk    read; or said, with what to do; nothing left   TestRowsOnTheDisk, TestNoRoomOnTheDisk (load)
//	a damaged, cut or missing file of the journal  the one before it is used, and that is said    TestDamagedJournals (runtime)
//	a journal after a long absence, or by a clock  nothing that is not much older than the latest TestOldFilesAreRemoved (runtime)
//	that was wrong                                 is removed (found: all was)
//	a device that fails in the middle of a step    the trainer keeps its last good state          TestDeviceFails (runtime)
//	a trainer that waits for data, or the device   the others share the device's time alike; who  TestShares, TestSharesWithoutData,
//	that is at long steps of others                waits is stopped at once and loses nothing     TestStopInTheQueue (train)
//	a program of another version                   an error that both understand; a core that     TestOtherVersions, TestFutureHello
//	                                               holds nothing makes room                       TestCoreOfAnotherVersion (root)
//	any bytes for a frame, any half of one         the connection ends in time, others go on      TestHostileBytes, TestHalfAFrame
//	requests of which values have been changed     an answer, no fault of ours, no memory kept    TestChangedRequests, FuzzRequests
//	                                               (found: a long title took a minute to draw)
//	several cells that declare, rename, fork,      an answer to each, nothing left (found: a      TestAnythingAtOnce
//	drop, train, save, restore at once             checkpoint was lost to a rename)
//	absurd shapes, sizes, lists                    refused before memory is taken                 TestHostileDeclare, TestHostileCompute, TestHostileData
//	graphs with 2^60 paths, and of 20,000 values   compiled in a moment (found: a pass walked     TestGraphsOfManyPaths
//	                                               all paths of a sum)
//	a client that does not read, or not ask        others are not stalled; it is let go           TestSlowReader, TestHalfAFrame
//	513 connections; requests without waiting      refused with a reason; room again after them   TestManyConnections, TestRequestsDuringAStream
//	more than it even refuses                      not taken for a core that is not there         TestBusyCore (control)
//	a process of another user                      refused, even where the directory is open      TestStranger, TestCredentials (socket)
//	a directory that others can write to, links    refused: what is in it may not be ours         TestPlaceIsPrivate, TestStrangePlaces (wire)
//	names with slashes, dots, lines, NUL, bytes    refused, where they cannot be found or written TestNames (runtime)
//	that are no text, of 100,000 letters           (found: trainers that no call reached)
//	paths with dots and links                      no file outside of the folders is read or      TestRoots, TestFilesOutsideTheRoots
//	                                               written (found: checkpoints were)
//	a pipe, a folder, a read-only file, a link     nobody waits, nothing is replaced              TestFilesOutsideTheRoots
//	in the place of a file
//	wrong pin or token, an expired certificate     refused with a reason; nothing is told         TestRefusals, TestExpired (remote)
//	scanners, browsers, rubbish, a flood of them   let go in time, nothing is told, no room lost  TestStrangersAtTheDoor (remote)
//	a tensor too large for the other machine       an error of its request alone                  TestTooLargeForTheTunnel (remote)
//	50 notebooks, 2,000 calls a second             all answered; goroutines and files as before   TestLoad (bench)
//	10,000 cells, killed at any moment             memory, goroutines, files, mappings as before  TestSoak -soak 10000 (400 in CI)
package server
