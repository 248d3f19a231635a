package nb_test

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }
