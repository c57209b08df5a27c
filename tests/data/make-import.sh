#!/bin/sh
# Writes a file for `hatctl import` to standard output: rooms of users who are members and have two
# hats each. Half of the rooms are of conference.localhost, half of conference.example.
#
#     make-import.sh ROOMS USERS_PER_ROOM
#
# 1000 rooms of 100 users make 100,000 affiliations and 200,000 hats. The lines come as
# `hatctl export` writes them, so that what is imported and what is exported compare byte by byte.
set -eu

awk -v rooms="${1:?how many rooms}" -v users="${2:?how many users a room}" 'BEGIN {
    split("conference.example conference.localhost", domains, " ")
    for (domain = 1; domain <= 2; domain++) {
        of_domain = domain == 1 ? int(rooms / 2) : rooms - int(rooms / 2)
        for (room = 0; room < of_domain; room++) {
            jid = sprintf("room%06d@%s", room, domains[domain])
            printf "{\"room\":{\"room_jid\":\"%s\",\"hat_policy\":\"ANY_URI\",\"eligibility\":\"AFFILIATED\"}}\n", jid
            printf "{\"definition\":{\"room_jid\":\"%s\",\"hat_id\":\"urn:hat:a\",\"title\":\"Teacher\",\"hue\":120.5}}\n", jid
            for (user = 0; user < users; user++)
                printf "{\"affiliation\":{\"room_jid\":\"%s\",\"user_jid\":\"user%06d@localhost\",\"affiliation\":\"MEMBER\"}}\n", jid, user
            for (user = 0; user < users; user++)
                printf "{\"hats\":{\"room_jid\":\"%s\",\"user_jid\":\"user%06d@localhost\",\"hats\":{\"urn:hat:a\":{\"active\":true},\"urn:hat:b\":{\"active\":false,\"title\":\"Guest\"}}}}\n", jid, user
        }
    }
}'
