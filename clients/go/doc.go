// Package hatd is the client of hatd, the service that keeps the hats people wear in chat rooms
// (XEP-0317).
//
// [Connect] returns a [Client], which has a method for each RPC of the contract, with retries,
// deadlines and typed errors; iterators over whole lists, such as [Client.AllRooms]; [Client.Watch],
// which gives a state and then every change to it and resumes by itself; and [Client.Mirror], which
// keeps that state in memory. The messages are those of package hatdpb, where every field is
// commented.
package hatd
