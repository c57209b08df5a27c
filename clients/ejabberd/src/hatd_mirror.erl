%% @private The hats that are worn in rooms, kept current from a watch.
%%
%% Readers, of which each room is one, read tables without waiting. One process writes for each
%% domain. Room and user JIDs are those that hatd answers.
-module(hatd_mirror).

-export([new/0, apply/3, hats/4]).

-define(DEFINED_ONLY, 2).

-record(mirror,
        {%% {RoomJid, UserJid} => [{HatId, Title}], those that are worn
         users,
         %% {RoomJid, HatId} => #definition{}
         definitions,
         %% RoomJid => HatPolicy
         rooms,
         %% What the snapshot under way has brought so far, of each domain.
         seen}).

-record(definition, {title, titles, hue, position}).

new() ->
    Options = [public, {read_concurrency, true}],
    #mirror{users = ets:new(hatd_users, [ordered_set | Options]),
            definitions = ets:new(hatd_definitions, [ordered_set | Options]),
            rooms = ets:new(hatd_rooms, [ordered_set | Options]),
            seen = ets:new(hatd_seen, [set, public])}.

%% Applies an event of the watch of a domain. Answers whose hats may look different now: by room JID,
%% a map whose keys are the users, or all.
apply(#mirror{seen = Seen}, Domain, {reset, _Reason}) ->
    ets:match_delete(Seen, {{Domain, '_', '_'}}),
    ets:insert(Seen, {Domain}),
    #{};
apply(Mirror, Domain, {snapshot, Page}) ->
    Rooms = [put_room(Mirror, Domain, Room) || Room <- maps:get(rooms, Page, [])],
    Definitions = [put_definition(Mirror, Domain, maps:get(room_jid, Entry), maps:get(definition, Entry))
                   || Entry <- maps:get(definitions, Page, [])],
    Users = [put_user(Mirror, Domain, Document) || Document <- maps:get(users, Page, [])],
    Swept = case Page of
                #{complete := true} -> sweep(Mirror, Domain);
                #{} -> []
            end,
    changed([Rooms, Definitions, Users, Swept]);
apply(Mirror, Domain, {changes, Changes}) ->
    changed([commit(Mirror, Domain, Commit) || Commit <- maps:get(commits, Changes, [])]);
apply(_Mirror, _Domain, {bookmark, _Bookmark}) ->
    #{}.

commit(Mirror, _Domain, #{room_jid := Room, room_deleted := true}) ->
    Users = [remove(Mirror#mirror.users, Key) || Key <- keys(Mirror#mirror.users, Room)],
    Definitions = [remove(Mirror#mirror.definitions, Key) || Key <- keys(Mirror#mirror.definitions, Room)],
    ets:delete(Mirror#mirror.rooms, Room),
    [Users, Definitions];
commit(Mirror, Domain, #{room_jid := Room} = Commit) ->
    [[put_room(Mirror, Domain, Record) || #{room := Record} <- [Commit]],
     [put_definition(Mirror, Domain, Room, Definition) || Definition <- maps:get(definitions, Commit, [])],
     [remove(Mirror#mirror.definitions, {Room, Hat}) || Hat <- maps:get(removed_definitions, Commit, [])],
     [put_user(Mirror, Domain, Document) || #{user_hats := Document} <- maps:get(users, Commit, [])]].

put_room(#mirror{rooms = Rooms} = Mirror, Domain, #{room_jid := Room} = Record) ->
    see(Mirror, Domain, rooms, Room),
    put(Rooms, Room, maps:get(hat_policy, Record, 0)).

put_definition(#mirror{definitions = Definitions} = Mirror, Domain, Room, #{hat_id := Hat} = Definition) ->
    see(Mirror, Domain, definitions, {Room, Hat}),
    put(Definitions, {Room, Hat},
        #definition{title = maps:get(title, Definition, <<>>),
                    titles = maps:get(titles, Definition, #{}),
                    hue = maps:get(hue, Definition, none),
                    position = maps:get(position, Definition, 0)}).

put_user(#mirror{users = Users} = Mirror, Domain, #{room_jid := Room, user_jid := User} = Document) ->
    Hats = [{Hat, maps:get(title, Attachment, <<>>)}
            || {Hat, #{active := true} = Attachment} <- maps:to_list(maps:get(hats, Document, #{}))],
    case Hats of
        [] ->
            remove(Users, {Room, User});
        _ ->
            see(Mirror, Domain, users, {Room, User}),
            put(Users, {Room, User}, Hats)
    end.

%% Answers the key, if something is different.
put(Table, Key, Value) ->
    case ets:lookup(Table, Key) of
        [{Key, Value}] ->
            [];
        _ ->
            ets:insert(Table, {Key, Value}),
            [{whose(Table), Key}]
    end.

remove(Table, Key) ->
    case ets:take(Table, Key) of
        [] -> [];
        _ -> [{whose(Table), Key}]
    end.

%% Whether a change to a table is about one user or a whole room.
whose(Table) ->
    case ets:info(Table, name) of
        hatd_users -> user;
        _ -> room
    end.

see(#mirror{seen = Seen}, Domain, Table, Key) ->
    case ets:member(Seen, Domain) of
        true -> ets:insert(Seen, {{Domain, Table, Key}});
        false -> true
    end.

%% Drops what is held of a domain, and the snapshot did not bring.
sweep(#mirror{seen = Seen} = Mirror, Domain) ->
    Tables = [{users, Mirror#mirror.users}, {definitions, Mirror#mirror.definitions},
              {rooms, Mirror#mirror.rooms}],
    Swept = [remove(Table, Key)
             || {Name, Table} <- Tables,
                Key <- ets:select(Table, [{{'$1', '_'}, [], ['$1']}]),
                is_in(Domain, Key),
                not ets:member(Seen, {Domain, Name, Key})],
    ets:delete(Seen, Domain),
    ets:match_delete(Seen, {{Domain, '_', '_'}}),
    Swept.

is_in(Domain, {Room, _}) -> is_in(Domain, Room);
is_in(Domain, Room) -> lists:last(binary:split(Room, <<"@">>)) =:= Domain.

%% The keys of a room's records.
keys(Table, Room) ->
    ets:select(Table, [{{{Room, '$1'}, '_'}, [], [{{{const, Room}, '$1'}}]}]).

changed(Keys) ->
    lists:foldl(fun({room, {Room, _Hat}}, Changed) -> Changed#{Room => all};
                   ({room, Room}, Changed) -> Changed#{Room => all};
                   ({user, {Room, User}}, Changed) ->
                        case Changed of
                            #{Room := all} -> Changed;
                            #{Room := Users} -> Changed#{Room := Users#{User => true}};
                            #{} -> Changed#{Room => #{User => true}}
                        end
                end, #{}, lists:flatten(Keys)).

%% The hats that someone wears, as they are displayed and in that order: `{HatId, Title, Hue}`, the
%% title never empty, the hue none or degrees.
hats(#mirror{users = Users, rooms = Rooms, definitions = Definitions}, Room, User, Language) ->
    Policy = case ets:lookup(Rooms, Room) of
                 [{Room, Found}] -> Found;
                 [] -> 0
             end,
    Worn = [{Hat, Own, definition(Definitions, Room, Hat)}
            || {_Key, Hats} <- ets:lookup(Users, {Room, User}), {Hat, Own} <- Hats],
    Sorted = lists:sort([{place(Definition), Hat, Own, Definition} || {Hat, Own, Definition} <- Worn]),
    [displayed(Hat, Own, Definition, Policy, Language) || {_Place, Hat, Own, Definition} <- Sorted].

definition(Definitions, Room, Hat) ->
    case ets:lookup(Definitions, {Room, Hat}) of
        [{_Key, Definition}] -> Definition;
        [] -> none
    end.

%% Those without a definition come last; a number is less than an atom.
place(none) -> last;
place(#definition{position = Position}) -> Position.

displayed(Hat, Own, none, _Policy, _Language) ->
    {Hat, first([Own, Hat]), none};
displayed(Hat, Own, #definition{hue = Hue} = Definition, ?DEFINED_ONLY, Language) ->
    {Hat, first([title(Definition, Language), Own, Hat]), Hue};
displayed(Hat, Own, #definition{hue = Hue} = Definition, _Policy, Language) ->
    {Hat, first([Own, title(Definition, Language), Hat]), Hue}.

first([<<>> | Rest]) -> first(Rest);
first([Title | _Rest]) -> Title.

%% By the lookup of RFC 4647: without regard to case, dropping subtags from the right, and with one
%% also a single letter before it.
title(#definition{title = Title, titles = Titles}, Language) ->
    ByTag = maps:from_list([{string:lowercase(Tag), Found} || {Tag, Found} <- maps:to_list(Titles)]),
    Subtags = binary:split(string:lowercase(Language), <<"-">>, [global]),
    localised(ByTag, lists:reverse(Subtags), Title).

localised(_ByTag, [], Title) ->
    Title;
localised(ByTag, [_Last | Shorter] = Subtags, Title) ->
    Tag = iolist_to_binary(lists:join(<<"-">>, lists:reverse(Subtags))),
    case maps:get(Tag, ByTag, <<>>) of
        <<>> -> localised(ByTag, without_single(Shorter), Title);
        Found -> Found
    end.

without_single([<<_Letter>> | Shorter]) -> Shorter;
without_single(Subtags) -> Subtags.
