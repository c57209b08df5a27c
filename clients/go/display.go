package hatd

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// A DisplayedHat is a hat as it is displayed for a user.
type DisplayedHat struct {
	// HatID is the hat: a URI.
	HatID string
	// Title is what to display. Never empty.
	Title string
	// Hue is the hue angle in degrees, 0 <= hue < 360 (XEP-0392). Nil: the definition has none.
	Hue *float64
	// Attachment is how the user has the hat.
	Attachment *hatdpb.Attachment
	// Definition is the hat as the room knows it. Nil: the hat is not defined, or the mirror's
	// selectors do not bring the room's catalogue.
	Definition *hatdpb.HatDefinition
}

// display returns the hats that a document's user wears, in the order of display: the position in the
// catalogue rising, hats that are not defined last, then the hat id by bytes.
func display(
	room *hatdpb.Room,
	definitions map[string]*hatdpb.HatDefinition,
	document *hatdpb.UserHats,
	languages []string,
) []DisplayedHat {
	definedFirst := room.GetHatPolicy() == hatdpb.HatPolicy_HAT_POLICY_DEFINED_ONLY
	var hats []DisplayedHat
	for id, attachment := range document.GetHats() {
		if !attachment.GetActive() {
			continue
		}
		definition := definitions[id]
		defined, attached := localTitle(definition, languages), attachment.GetTitle()
		title := cmp.Or(attached, defined, id)
		if definedFirst {
			title = cmp.Or(defined, attached, id)
		}
		hat := DisplayedHat{HatID: id, Title: title, Attachment: proto.CloneOf(attachment)}
		if definition != nil {
			hat.Definition = proto.CloneOf(definition)
			hat.Hue = hat.Definition.Hue
		}
		hats = append(hats, hat)
	}
	slices.SortFunc(hats, func(a, b DisplayedHat) int {
		return cmp.Or(
			compareDefinitions(a.Definition, b.Definition),
			cmp.Compare(a.HatID, b.HatID),
		)
	})
	return hats
}

// compareDefinitions orders definitions by position. What is not defined comes last.
func compareDefinitions(a, b *hatdpb.HatDefinition) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(a.GetPosition(), b.GetPosition())
}

// localTitle returns a definition's title in the first of the languages that it has, else its title.
func localTitle(definition *hatdpb.HatDefinition, languages []string) string {
	for _, language := range languages {
		if title := lookup(definition.GetTitles(), language); title != "" {
			return title
		}
	}
	return definition.GetTitle()
}

// lookup returns the title whose language tag matches a language range best (RFC 4647, section 3.4):
// the range itself or, with subtags dropped from its end, the longest that there is.
func lookup(titles map[string]string, language string) string {
	if len(titles) == 0 {
		return ""
	}
	// Sorted, so that of two tags that differ in case only it is always the same one.
	tags := slices.Sorted(maps.Keys(titles))
	for language != "" {
		for _, tag := range tags {
			if strings.EqualFold(tag, language) && titles[tag] != "" {
				return titles[tag]
			}
		}
		language = shorten(language)
	}
	return ""
}

// shorten drops the last subtag of a language range, and a subtag of one letter or digit before it, which
// only introduces what follows.
func shorten(language string) string {
	language = language[:max(0, strings.LastIndexByte(language, '-'))]
	if end := strings.LastIndexByte(language, '-'); end >= 0 && end == len(language)-2 {
		language = language[:end]
	}
	return language
}
