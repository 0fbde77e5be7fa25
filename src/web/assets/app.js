// @ts-check
// The composition: the rooms below make the model, the views show it.

import { openModel } from "./messenger/tabs.js";
import { mount } from "./ui/mount.js";

// Pages that are hosted elsewhere say where their server is.
const elsewhere = document.querySelector('meta[name="privcomm-server"]')?.getAttribute("content");
const root = document.getElementById("app");
if (root) mount(root, openModel(location, elsewhere ? new URL(elsewhere).origin : location.origin));
