package hatd

import (
	"slices"
	"testing"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

func TestHatsAreDisplayedInTheOrderOfTheCatalogue(t *testing.T) {
	definitions := map[string]*hatdpb.HatDefinition{
		"urn:last":   {HatId: "urn:last", Title: "Last", Position: 7},
		"urn:first":  {HatId: "urn:first", Title: "First", Position: -7},
		"urn:unworn": {HatId: "urn:unworn", Title: "Unworn"},
		"urn:bare":   {HatId: "urn:bare", Position: 7},
	}
	document := &hatdpb.UserHats{Hats: map[string]*hatdpb.Attachment{
		"urn:last": {Active: true}, "urn:first": {Active: true}, "urn:unworn": {}, "urn:bare": {Active: true},
		"urn:undefined": {Active: true, Title: "Own"}, "URN:undefined": {Active: true},
	}}
	var titles []string
	for _, hat := range display(&hatdpb.Room{}, definitions, document, nil) {
		titles = append(titles, hat.Title)
	}
	expected := []string{"First", "urn:bare", "Last", "URN:undefined", "Own"}
	if !slices.Equal(titles, expected) {
		t.Errorf("%q, not %q", titles, expected)
	}
}

func TestATitleIsLookedUpByLanguage(t *testing.T) {
	titles := map[string]string{"de": "Gastgeberin", "de-AT": "Wirtin", "zh-Hant": "主人", "fr": ""}
	for language, expected := range map[string]string{
		"de": "Gastgeberin", "DE-ch": "Gastgeberin", "de-at-1996": "Wirtin", "de-x-own": "Gastgeberin",
		"zh-Hant-TW": "主人", "zh": "", "fr": "", "en": "", "": "",
	} {
		if title := lookup(titles, language); title != expected {
			t.Errorf("%q for %q, not %q", title, language, expected)
		}
	}
}
