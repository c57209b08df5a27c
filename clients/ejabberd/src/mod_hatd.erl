%% Shows the hats that hatd keeps, in the rooms of ejabberd.
%%
%% The hats of the host's MUC rooms are mirrored from a watch. Each room asks here, when an occupant
%% sends presence, which hats to show in it (the hook `muc_filter_presence`); when hats change, the
%% occupant's last presence is sent to the room once more, as if the occupant had sent it.
-module(mod_hatd).

-behaviour(gen_mod).
-behaviour(gen_server).

-export([start/2, stop/1, depends/2, mod_options/1, mod_opt_type/1, mod_doc/0]).
-export([filter_presence/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-include("logger.hrl").
-include("xmpp.hrl").
-include("mod_muc_room.hrl").

-define(NS_HATS_XEP, <<"urn:xmpp:hats:0">>).
-define(NS_HATS_LEGACY, <<"xmpp:prosody.im/protocol/hats:1">>).

start(Host, Opts) ->
    gen_mod:start_child(?MODULE, Host, Opts).

stop(Host) ->
    gen_mod:stop_child(?MODULE, Host).

depends(_Host, _Opts) ->
    [{mod_muc, hard}].

mod_opt_type(url) -> econf:url([http, https]);
mod_opt_type(allow_plaintext) -> econf:bool();
mod_opt_type(api_key) -> econf:either(none, econf:binary("^[!-~]+$"));
mod_opt_type(heartbeat) -> econf:int(1, 60);
mod_opt_type(language) -> econf:either(room, econf:binary()).

mod_options(_Host) ->
    [{url, <<"http://127.0.0.1:50051">>},
     {allow_plaintext, false},
     {api_key, none},
     {heartbeat, 15},
     {language, room}].

mod_doc() ->
    #{desc => <<"Shows the hats (XEP-0317) that hatd keeps, in rooms.">>}.

%% What a room does with the presence of an occupant: hats that the occupant's client put there go,
%% and those that hatd keeps come.
filter_presence(#presence{type = available, from = From} = Presence, Room, _Nick) ->
    Els = without_hats(Presence),
    xmpp:set_els(Presence, Els ++ shown(From, Room));
filter_presence(#presence{} = Presence, _Room, _Nick) ->
    xmpp:set_els(Presence, without_hats(Presence));
filter_presence(Other, _Room, _Nick) ->
    Other.

without_hats(Presence) ->
    [El || El <- xmpp:get_els(Presence), not is_hats(El)].

is_hats(El) ->
    lists:member(xmpp:get_ns(El), [?NS_HATS_XEP, ?NS_HATS_LEGACY]).

%% The element with the hats of someone in a room, or nothing.
shown(User, #state{server_host = Host, jid = RoomJid, config = #config{lang = Lang}}) ->
    case persistent_term:get({?MODULE, Host}, undefined) of
        undefined ->
            [];
        {Mirror, Language} ->
            Hats = hatd_mirror:hats(Mirror, jid:encode(RoomJid), bare(User), language(Language, Lang)),
            [#xmlel{name = <<"hats">>, attrs = [{<<"xmlns">>, ?NS_HATS_XEP}],
                    children = [element(Hat) || Hat <- Hats]} || Hats =/= []]
    end.

language(room, Lang) -> Lang;
language(Language, _Lang) -> Language.

bare(Jid) ->
    jid:encode(jid:remove_resource(jid:tolower(Jid))).

element({HatId, Title, Hue}) ->
    Attrs = [{<<"hue">>, float_to_binary(Hue * 1.0, [{decimals, 6}])} || Hue =/= none],
    #xmlel{name = <<"hat">>, attrs = [{<<"uri">>, HatId}, {<<"title">>, Title} | Attrs]}.

init([Host | _]) ->
    process_flag(trap_exit, true),
    Opts = gen_mod:get_module_opts(Host, ?MODULE),
    #{url := Url, api_key := Key, heartbeat := Heartbeat, language := Language} = Opts,
    case is_private(Url) orelse maps:get(allow_plaintext, Opts) of
        true ->
            Mirror = hatd_mirror:new(),
            persistent_term:put({?MODULE, Host}, {Mirror, Language}),
            ejabberd_hooks:add(muc_filter_presence, Host, ?MODULE, filter_presence, 50),
            [watch(Domain, Mirror, Url, Key, Heartbeat)
             || Domain <- gen_mod:get_module_opt_hosts(Host, mod_muc)],
            {ok, Host};
        false ->
            ?ERROR_MSG("url: ~ts would be plaintext to another machine: use https, or set "
                       "allow_plaintext", [Url]),
            {stop, plaintext}
    end.

watch(Domain, Mirror, Url, Key, Heartbeat) ->
    Self = self(),
    Apply = fun(Event) ->
                    %% Called, not cast: who watches is not to run ahead of the rooms.
                    gen_server:call(Self, {changed, hatd_mirror:apply(Mirror, Domain, Event)}, infinity)
            end,
    Options = #{url => Url, api_key => Key, domain => Domain, heartbeat => Heartbeat},
    {ok, _} = hatd_watch:start_link(Options, Apply).

%% Whether nobody else can read what is sent there.
is_private(<<"https://", _/binary>>) ->
    true;
is_private(Url) ->
    #{host := Host} = uri_string:parse(Url),
    case inet:parse_address(binary_to_list(Host)) of
        {ok, {127, _, _, _}} -> true;
        {ok, {0, 0, 0, 0, 0, 0, 0, 1}} -> true;
        _ -> Host =:= <<"localhost">>
    end.

handle_call({changed, Changes}, From, Host) ->
    gen_server:reply(From, ok),
    maps:foreach(fun send_again/2, Changes),
    {noreply, Host};
handle_call(_Request, _From, Host) ->
    {reply, {error, badarg}, Host}.

handle_cast(_Message, Host) ->
    {noreply, Host}.

%% A watch that failed takes this down, too: the supervisor starts both anew.
handle_info({'EXIT', _Watch, Reason}, Host) ->
    {stop, Reason, Host};
handle_info(_Message, Host) ->
    {noreply, Host}.

terminate(_Reason, Host) ->
    ejabberd_hooks:delete(muc_filter_presence, Host, ?MODULE, filter_presence, 50),
    persistent_term:erase({?MODULE, Host}).

%% Has a room send the presence of occupants again, of those alone whose hats look different now.
send_again(RoomJid, Users) ->
    #jid{luser = Name, lserver = Domain} = jid:decode(RoomJid),
    case mod_muc:find_online_room(Name, Domain) of
        {ok, Pid} ->
            case mod_muc_room:get_state(Pid) of
                {ok, Room} ->
                    maps:foreach(fun(_LJid, User) -> send_again(Pid, Room, User, Users) end,
                                 Room#state.users);
                {error, _Gone} ->
                    ok
            end;
        error ->
            ok
    end.

send_again(Pid, Room, #user{jid = Jid, nick = Nick, last_presence = #presence{} = Last}, Users) ->
    IsMeant = Users =:= all orelse is_map_key(bare(Jid), Users),
    Before = [El || El <- xmpp:get_els(Last), is_hats(El)],
    case IsMeant andalso shown(Jid, Room) of
        false -> ok;
        Before -> ok;
        _Now ->
            To = jid:replace_resource(Room#state.jid, Nick),
            mod_muc_room:route(Pid, xmpp:set_from_to(Last, Jid, To))
    end;
send_again(_Pid, _Room, _NoOccupant, _Users) ->
    ok.
