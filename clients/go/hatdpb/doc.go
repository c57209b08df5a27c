// Package hatdpb holds the messages of hatd's protobuf contract, package hatd.v1, and the bare
// stubs.
//
// It is generated from the contract. The client of package hatd wraps the stubs.
package hatdpb
