%% Generated from proto/hatd/v1 by tools/generate.py. Do not edit: `./task generate`.
%% @private The fields of messages, by number: name, type and how many.
-module(hatd_schema).

-export([fields/1]).

-spec fields(atom()) -> #{pos_integer() => {atom(), term(), one | many}}.
fields('google.protobuf.Duration') ->
    #{1 => {seconds, int64, one},
      2 => {nanos, int32, one}};
fields('google.protobuf.Timestamp') ->
    #{1 => {seconds, int64, one},
      2 => {nanos, int32, one}};
fields('hatd.v1.Attachment') ->
    #{1 => {active, bool, one},
      2 => {required, bool, one},
      3 => {title, string, one},
      4 => {expire_time, {message, 'google.protobuf.Timestamp'}, one},
      5 => {given, {message, 'hatd.v1.Given'}, one}};
fields('hatd.v1.Commit') ->
    #{1 => {room_jid, string, one},
      2 => {revision, uint64, one},
      3 => {commit_time, {message, 'google.protobuf.Timestamp'}, one},
      4 => {room, {message, 'hatd.v1.Room'}, one},
      5 => {users, {message, 'hatd.v1.UserChange'}, many},
      6 => {definitions, {message, 'hatd.v1.HatDefinition'}, many},
      7 => {removed_definitions, string, many},
      8 => {room_deleted, bool, one},
      9 => {context, {message, 'hatd.v1.Context'}, one},
      10 => {cause, enum, one}};
fields('hatd.v1.Context') ->
    #{1 => {actor, string, one},
      2 => {reason, string, one}};
fields('hatd.v1.Given') ->
    #{1 => {actor, string, one},
      2 => {reason, string, one},
      3 => {time, {message, 'google.protobuf.Timestamp'}, one}};
fields('hatd.v1.HatChange') ->
    #{1 => {hat_id, string, one},
      2 => {type, enum, one},
      3 => {previous, {message, 'hatd.v1.Attachment'}, one}};
fields('hatd.v1.HatDefinition') ->
    #{1 => {hat_id, string, one},
      2 => {title, string, one},
      3 => {titles, {map, string, string}, one},
      4 => {hue, double, one},
      5 => {position, int32, one},
      6 => {description, string, one},
      7 => {self_assignable, bool, one},
      8 => {revision, uint64, one},
      9 => {etag, string, one}};
fields('hatd.v1.Room') ->
    #{1 => {room_jid, string, one},
      2 => {hat_policy, enum, one},
      3 => {eligibility, enum, one},
      4 => {revision, uint64, one},
      5 => {etag, string, one}};
fields('hatd.v1.RoomDefinition') ->
    #{1 => {room_jid, string, one},
      2 => {definition, {message, 'hatd.v1.HatDefinition'}, one}};
fields('hatd.v1.StartNow') ->
    #{};
fields('hatd.v1.StartSnapshot') ->
    #{};
fields('hatd.v1.UserChange') ->
    #{1 => {user_hats, {message, 'hatd.v1.UserHats'}, one},
      2 => {changes, {message, 'hatd.v1.HatChange'}, many}};
fields('hatd.v1.UserHats') ->
    #{1 => {room_jid, string, one},
      2 => {user_jid, string, one},
      3 => {affiliation, enum, one},
      4 => {hats, {map, string, {message, 'hatd.v1.Attachment'}}, one},
      5 => {revision, uint64, one},
      6 => {etag, string, one},
      7 => {update_time, {message, 'google.protobuf.Timestamp'}, one}};
fields('hatd.v1.WatchBookmark') ->
    #{1 => {server_time, {message, 'google.protobuf.Timestamp'}, one}};
fields('hatd.v1.WatchChanges') ->
    #{1 => {commits, {message, 'hatd.v1.Commit'}, many}};
fields('hatd.v1.WatchGoAway') ->
    #{1 => {reason, enum, one},
      2 => {retry_after, {message, 'google.protobuf.Duration'}, one}};
fields('hatd.v1.WatchHatsRequest') ->
    #{1 => {selectors, {message, 'hatd.v1.WatchSelector'}, many},
      2 => {snapshot, {message, 'hatd.v1.StartSnapshot'}, one},
      3 => {resume_token, string, one},
      4 => {now, {message, 'hatd.v1.StartNow'}, one},
      5 => {delivery, enum, one},
      6 => {on_expired, enum, one},
      7 => {heartbeat_interval, {message, 'google.protobuf.Duration'}, one},
      8 => {at_least_token, string, one}};
fields('hatd.v1.WatchHatsResponse') ->
    #{1 => {'after', string, one},
      2 => {token, string, one},
      3 => {reset, {message, 'hatd.v1.WatchReset'}, one},
      4 => {snapshot, {message, 'hatd.v1.WatchSnapshot'}, one},
      5 => {changes, {message, 'hatd.v1.WatchChanges'}, one},
      6 => {bookmark, {message, 'hatd.v1.WatchBookmark'}, one},
      7 => {go_away, {message, 'hatd.v1.WatchGoAway'}, one}};
fields('hatd.v1.WatchReset') ->
    #{1 => {reason, enum, one}};
fields('hatd.v1.WatchSelector') ->
    #{1 => {room_jid, string, one},
      2 => {user_jid, string, one},
      3 => {room_domain, string, one}};
fields('hatd.v1.WatchSnapshot') ->
    #{1 => {rooms, {message, 'hatd.v1.Room'}, many},
      2 => {definitions, {message, 'hatd.v1.RoomDefinition'}, many},
      3 => {users, {message, 'hatd.v1.UserHats'}, many},
      4 => {complete, bool, one}}.
