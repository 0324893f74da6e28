// What NiceGUI serves and mounts. All of the command centre comes from an address that names its version.
export { default } from "siaga/centre.js";
